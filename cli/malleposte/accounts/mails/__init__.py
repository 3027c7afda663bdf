"""Letters by mail to agents and functional boxes."""
