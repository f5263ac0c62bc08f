"""Play every scenario a few times, with all the memory it wants: for valgrind (see ``make test-valgrind``)."""
from .scenarios import SCENARIOS

if __name__ == "__main__":
    for name, scenario in SCENARIOS.items():
        for _ in range(3):
            subject = scenario.make()
            scenario.act(subject)
            scenario.close(subject)
        print(name)
