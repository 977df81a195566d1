"""`secmw bench`: what each part of a policy costs on somebody's own application, in time and in bytes, and what it is for."""
