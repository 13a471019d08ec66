"""Who has what, sending again, and what follows when nobody opens or answers."""
