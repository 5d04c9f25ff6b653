"""Small widgets and pieces of HTML."""
