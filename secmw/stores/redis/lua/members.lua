-- KEYS: user.
return told(KEYS[1])
