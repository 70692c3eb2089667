"""`python -m punie`."""

from punie.cli import main

if __name__ == "__main__":
    main()
