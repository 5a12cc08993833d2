"""What AWS refuses and moto accepts."""
