"""Searching for terms whose owner agreed: which is due, within which budget, and what one search yields."""
