"""Who is on duty at a Hub: its rota, who stands in, and where nobody is there."""
