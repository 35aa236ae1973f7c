"""Human ratings, duels and their Bradley-Terry ranking."""
