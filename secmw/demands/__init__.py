"""Demands: how a raw application says that a part of it is for who is signed in, or gave the password lately."""
