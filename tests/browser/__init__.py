"""What a real Chromium makes of what secmw sends: what it stores, sends, runs, frames and refuses."""
