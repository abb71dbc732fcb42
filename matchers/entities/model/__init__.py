"""The trained recogniser of persons, places and organisations: how it reads text, and how it is made."""
