"""Paste sites, a description each, and how a description is applied."""
