"""What people say of images: ratings, duels and their Bradley-Terry ranking."""
