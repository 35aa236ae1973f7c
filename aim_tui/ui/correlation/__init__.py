"""How well metrics agree with ratings."""
