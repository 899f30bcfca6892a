"""Invented people, artworks and pictures that fill a first look at the product."""
