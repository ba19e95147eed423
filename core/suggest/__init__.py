"""From a need to suggestions: query, candidates, calibrated scores, variety."""
