"""Files of other systems, inspected and converted into domains."""
