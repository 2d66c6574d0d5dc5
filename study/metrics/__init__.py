"""Known metrics of kept generators, after training: FID, KID, precision, recall, density and coverage.

No outcome and no verdict uses them. Feature extractors read their weights from a local file and download nothing.
"""

from study.metrics.extractors import Extract, feature_extractor

__all__ = ["Extract", "feature_extractor"]
