"""The catalogue: list, search, product pages, and prices for orders."""
