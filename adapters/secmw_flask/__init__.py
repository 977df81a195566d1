"""secmw inside Flask applications."""
