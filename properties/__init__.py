"""What is claimed about autoencoders: for every set and network that is drawn, the theorem holds."""
