"""Indicators that the default policy gives no points."""

# Asked by the Welsh and English tools, without points in the default policy: no published form says
# how many. An older reader scores an indicator that its policy doesn't name with none, too.
UNSCORED_INDICATORS: frozenset[str] = frozenset(
    """
    abduction_or_imprisonment known_hotspot pregnancy contact_with_known_abuser gang_association
    recruiting_peers bereavement bullying asylum_seeking
    """.split()
)
