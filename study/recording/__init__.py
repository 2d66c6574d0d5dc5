"""Record trainings by loops of the user's own, so that they are judged, stored and reported as ours are."""
