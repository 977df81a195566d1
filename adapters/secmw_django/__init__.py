"""secmw inside Django applications."""
