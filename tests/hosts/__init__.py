"""The services of docker-compose.yml as hosts on one machine, each in a network of its own."""
