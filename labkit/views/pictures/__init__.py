"""Pictures: inline SVG from templates."""
