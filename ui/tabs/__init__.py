"""Tabs: one folder each, with layout, events and actions."""
