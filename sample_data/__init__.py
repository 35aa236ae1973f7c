"""The sample models and images of aim_tui, and the scripts that draw and train them."""
