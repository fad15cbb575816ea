"""Machines with known states: what the oracle tells apart, what a difference is, what the protocol's machine says."""

import random
from itertools import product

import pytest
from aalpy.learning_algs import run_Lsharp

from device_grant.catalogue import load
from device_grant.errors import UsageError
from device_grant.learning.inputs import SETS, Stimulus, sets_of, stimuli_of
from device_grant.learning.learn import machine_of
from device_grant.learning.machine import Machine, Transition, differences, dot
from device_grant.learning.oracle import WpOracle, suite
from device_grant.learning.protocol import Colour, edges, judged, protocol_machine
from device_grant.protocol import known_dialects

DIALECTS = {dialect.name: dialect for dialect in known_dialects()}


class Known:
    """A machine whose states are known, asked as a server is."""

    num_queries = num_steps = num_cached_queries = 0

    def __init__(self, machine):
        self.machine, self.asked = machine, 0

    def answers(self, word):
        self.asked += 1
        return self.machine.answers(word)

    def contradiction(self, _hypothesis):
        return None

    def query(self, word):
        return list(self.machine.answers(word))

    def adaptive_query(self, word, ads):
        answers, answer = list(self.machine.answers(word)), None
        while (letter := ads.next_input(answer)) is not None:
            word.append(letter)
            answer = self.machine.answers(word)[-1]
            answers.append(answer)
        return word, answers


class Bridge:
    num_queries = num_steps = 0

    def __init__(self, oracle, letters):
        self.oracle, self.letters = oracle, letters

    def find_cex(self, hypothesis):
        return self.oracle.counterexample(machine_of(hypothesis, self.letters))


def learned(machine, extra):
    asked = Known(machine)
    bridge = Bridge(WpOracle(asked, extra), machine.inputs)
    model = run_Lsharp(list(machine.inputs), asked, bridge, "mealy", cache_and_non_det_check=False, print_level=0)
    return machine_of(model, machine.inputs)


def counter(length, letters=("a", "b")):
    """Says `x` but for the last of its states, at which the first input is answered `y`: each state looks the same."""
    states = []
    for number in range(length):
        answer = "y" if number == length - 1 else "x"
        states.append(
            {letter: Transition(answer if letter == "a" else "x", min(number + 1, length - 1)) for letter in letters}
        )
    return Machine(letters, tuple(states))


def drawn(seed, size):
    """A machine with states that differ, all within reach."""
    chance = random.Random(seed)
    while True:
        states = tuple(
            {letter: Transition(chance.choice("xyz"), chance.randrange(size)) for letter in "abc"} for _ in range(size)
        )
        machine = Machine(tuple("abc"), states).canonical()
        if len(machine) == size and all(machine.apart(a, b) for a in range(size) for b in range(a)):
            return machine


@pytest.mark.parametrize("length", [2, 3])
def test_a_state_that_looks_like_the_first_one_is_noticed(length):
    # In a hypothesis of one state nothing tells states apart: AALpy's own oracle takes it for complete there.
    machine = counter(length)
    assert differences(learned(machine, length - 1), machine) == []


def test_a_state_beyond_the_bound_is_not_claimed():
    assert len(learned(counter(4), 1)) == 1
    assert len(learned(counter(4), 3)) == 4


@pytest.mark.parametrize("seed", range(12))
def test_machines_that_were_drawn_are_learned(seed):
    machine = drawn(seed, 2 + seed % 5)
    assert learned(machine, 1).canonical() == machine


@pytest.mark.parametrize("seed", range(20))
def test_every_other_machine_within_the_bound_is_refuted(seed):
    """What the Wp-method claims: a machine with at most k more states that passes the suite is the same machine."""
    chance = random.Random(seed)
    machine = drawn(seed, 3)
    extra = 1
    states = [dict(state) for state in machine.states] + [
        {letter: Transition(chance.choice("xyz"), chance.randrange(4)) for letter in "abc"}
    ]
    for _ in range(60):
        changed = [dict(state) for state in states]
        state, letter = chance.randrange(4), chance.choice("abc")
        changed[state][letter] = Transition(chance.choice("xyz"), chance.randrange(4))
        changed[chance.randrange(4)][chance.choice("abc")] = Transition("x", 3)
        other = Machine(machine.inputs, tuple(changed)).canonical()
        passes = all(other.answers(word) == machine.answers(word) for word in suite(machine, extra))
        assert passes == (differences(machine, other) == [])


def test_the_suite_begins_no_word_with_another_one():
    words = suite(drawn(1, 4), 1)
    assert len(words) == len(set(words))
    assert not [a for a, b in product(words, repeat=2) if a != b and b[: len(a)] == a]
    assert words == sorted(words, key=lambda word: (len(word), word))


def test_the_difference_is_the_shortest_word():
    one, other = counter(3), counter(4)
    [difference] = differences(one, other)
    assert (difference.word, difference.answers) == (("a", "a", "a"), ("x", "x"))
    assert (difference.one, difference.other) == ("y", "x")
    assert differences(one, one) == []


def test_a_machine_without_a_transition_is_refused():
    with pytest.raises(ValueError, match="state 0 has no transition for b"):
        Machine(("a", "b"), ({"a": Transition("x", 0)},))
    with pytest.raises(ValueError, match="state 0 has no transition for a"):
        Machine(("a",), ({"a": Transition("x", 7)},))


def test_the_drawing_names_each_edge_once_and_escapes():
    drawing = dot(counter(2), 'a "name"', red=[(1, "a")], undecided=[(0, "b")])
    assert drawing.startswith('digraph "a \\"name\\"" {')
    assert 's0 -> s1 [label="a / x"];' in drawing
    assert 's0 -> s1 [label="? b / x", class=open, style=dashed];' in drawing
    assert 's1 [label="s1\\n✕ a / y\\nb / x"];' in drawing


# Inputs by name.


def test_sets_and_words_are_read():
    assert sets_of("basic") == {"basic": SETS["basic"]}
    assert set(sets_of("full")) == set(SETS)
    assert {letter for letters in SETS.values() for letter in letters} == set(Stimulus)
    assert sets_of("approve,poll_now") == {"own": (Stimulus.APPROVE, Stimulus.POLL_NOW)}
    assert stimuli_of("approve/ok poll") == (Stimulus.APPROVE, Stimulus.POLL_POLITE)


@pytest.mark.parametrize(
    ("text", "words"),
    [("basik", "did you mean basic?"), ("aprove,deny", "did you mean approve?"), ("", "no input is named")],
)
def test_a_name_that_is_none_is_said(text, words):
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        sets_of(text)


# The protocol's machine.


def test_requirements_of_the_protocol_bind_servers_and_are_judged():
    catalogue = load()
    for name in set(protocol_machine().requirements()):
        requirement = catalogue.get(name)
        assert requirement.party != "client"
        assert not requirement.excluded


def test_every_state_says_something_of_every_input_and_answer():
    protocol = protocol_machine()
    for stimulus in Stimulus:
        for values in product(*protocol.variables.values()):
            state = dict(zip(protocol.variables, values, strict=True))
            colour, _ = protocol.judge(state, stimulus, "http-418")
            assert colour is not Colour.ALLOWED
            assert protocol.rule(stimulus, state).allowed or colour is Colour.OPEN


def test_names_in_the_data_are_those_of_the_code():
    protocol = protocol_machine()
    for rule in (*protocol.answers, *protocol.changes):
        assert set(rule.inputs) <= set(Stimulus)
        assert set(rule.when) <= set(protocol.variables)
        for name, value in rule.when.items():
            assert {value} if isinstance(value, str) else set(value) <= set(protocol.variables[name])
    for change in protocol.changes:
        for name, value in change.set.items():
            values = {value} if isinstance(value, str) else {*value, *value.values()}
            assert values <= set(protocol.variables[name])
    for rule in protocol.answers:
        assert set(rule.without) <= set(Stimulus)


def walk(word, answers, **facts):
    return judged(
        tuple(word.split()),
        tuple(answers.split()),
        lambda control: ("pending",) * len(control),
        protocol_machine(),
        DIALECTS["rfc8628"],
        load(),
        **facts,
    )


@pytest.mark.parametrize(
    ("word", "answers", "requirement"),
    [
        ("poll_polite", "token", "rfc8628-3.5-no-token-before-approval"),
        ("poll_polite poll_polite", "pending slow_down", "rfc8628-3.5-server-no-slow-down-when-polite"),
        ("approve poll_polite poll_polite", "ok token token", "rfc8628-3.5-device-code-single-use"),
        ("approve poll_polite poll_polite", "ok token denied", "rfc8628-3.5-denied-means-denied"),
        ("deny approve poll_polite", "ok ok token", "rfc8628-3.5-access-denied-terminal"),
        ("expire approve poll_polite", "ok ok token", "rfc8628-3.5-approved-then-expired"),
        ("poll_foreign approve poll_polite", "invalid_grant ok denied", "rfc8628-3.4-foreign-poll-harmless"),
        ("poll_foreign poll_now", "invalid_grant slow_down", "rfc8628-3.5-foreign-poll-not-counted"),
        ("half_life poll_polite", "ok expired", "rfc8628-3.5-no-early-expiry"),
        ("approve poll_polite refresh replay", "ok token token token", "rfc9700-4.14-refresh-replay-detection"),
        ("start_second approve poll_second", "ok ok token", "rfc8628-3.5-no-token-before-approval"),
    ],
)
def test_what_breaks_a_requirement_is_red(word, answers, requirement):
    last = walk(word, answers)[-1]
    assert last.colour is Colour.RED
    assert last.requirement.id == requirement


@pytest.mark.parametrize(
    ("word", "answers"),
    [
        ("poll_now poll_now", "slow_down slow_down"),
        ("approve deny poll_polite", "ok ok denied"),
        ("deny poll_polite poll_polite", "ok denied invalid_grant"),
        ("poll_foreign poll_polite", "invalid_grant invalid_grant"),
        ("approve poll_now poll_polite", "ok pending token"),
        ("approve poll_polite poll_polite refresh", "ok token invalid_grant token"),
        ("approve poll_polite replay", "ok token -"),
        ("poll_foreign poll_foreign", "invalid_grant slow_down"),
    ],
)
def test_latitude_is_never_red(word, answers):
    assert Colour.RED not in [step.colour for step in walk(word, answers)]


def test_a_refresh_token_of_a_client_with_a_secret_may_live_on():
    word, answers = "approve poll_polite refresh replay", "ok token token token"
    assert walk(word, answers, client="confidential")[-1].colour is Colour.OPEN


def test_what_a_shorter_word_shows_is_not_blamed_on_others():
    """Polls that are slow_down without a stranger too are not blamed on the stranger's."""
    word, answers = ("poll_foreign", "poll_now"), ("invalid_grant", "slow_down")
    steps = judged(word, answers, lambda _: ("slow_down",), protocol_machine(), DIALECTS["rfc8628"], load())
    assert steps[-1].colour is None


@pytest.mark.parametrize("pace", ["pending", "slow_down"])
@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_a_decision_that_is_never_taken_is_not_blamed_on_polls(decision, pace):
    """As where consent is remembered: whoever is not asked cannot refuse."""
    word, answers = ("poll_polite", "poll_now", decision), ("pending", pace, "refused")
    texts = protocol_machine(), DIALECTS["rfc8628"], load()
    assert judged(word, answers, lambda _: ("refused",), *texts)[-1].colour is None
    steps = judged(word, answers, lambda _: ("ok",), *texts)
    broken = {
        "pending": "rfc8628-3.5-pending-is-not-terminal",
        "slow_down": "rfc8628-3.5-server-slow-down-keeps-session",
    }
    assert steps[-1].requirement.id == broken[pace]
    alone = judged((decision,), ("refused",), lambda _: (), *texts)
    assert alone[0].requirement.id == "rfc8628-3.3-approve-or-deny"


def test_nothing_is_looked_at_past_red():
    states = ({"poll_polite": Transition("token", 0)},)
    collected = edges(Machine(("poll_polite",), states), protocol_machine(), DIALECTS["rfc8628"], load())
    assert [edge.word for edge in collected] == [("poll_polite",)]
