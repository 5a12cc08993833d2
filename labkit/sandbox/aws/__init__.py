"""The AWS side: moto, made as strict as AWS."""
