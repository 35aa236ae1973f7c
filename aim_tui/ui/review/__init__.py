"""Looking at one image or a grid of them, and rating them."""
