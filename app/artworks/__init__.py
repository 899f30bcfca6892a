"""Listings, their pictures, the secret threshold, the states of an artwork."""
