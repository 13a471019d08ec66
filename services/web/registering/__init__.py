"""What the network keeps, as forms: agencies, areas, Hubs, rotas, workers, and lists of them to import."""
