"""What is measured: metric specs, the registry, profiles and the rules that normalise raw values."""
