"""Django's own tests of sessions, of its security headers and of frames, played against secmw's engine and middleware."""
