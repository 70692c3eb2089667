"""Tools of the sample world: schemas, arguments, and the phrasings in which people ask for them.

Every tool has three kinds of phrasing. Two *plain* ones are answered with a call already in the base model's chats; all
*taught* ones, which are sentences and framed orders, occur in fine-tuning data and in the base model's logs; *new* ones
are written for evaluation only and occur in no training text at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from punie.conversation import ToolCall
from punie.generate import words
from punie.generate.holdout import is_held_out

_FRAMES = (
    "Please *.",
    "Can you *?",
    "Would you *?",
    "I would like you to *.",
    "I want you to *.",
    "I need you to *.",
    "You should *.",
    "Let us *.",
    "Now *.",
    "First *.",
    "Go ahead and *.",
    "It is time to *.",
    "My next step is to *.",
    "*, please.",
    "Do this: *.",
    "The task is to *.",
    "Help me to *.",
    "We have to *.",
    "Then *, and tell me when it is done.",
)

Maker = Callable[[Random], str]


def _short(rng: Random) -> str:
    return words.phrase(rng, 1, 3)


def _command(rng: Random) -> str:
    return f"{rng.choice(('echo', 'grep', 'cat', 'touch', 'ls', 'git add', 'pip install'))} {words.phrase(rng, 1, 2)}"


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared function: its parameters with their makers, and its phrasings with a slot for each parameter."""

    name: str
    purpose: str
    parameters: tuple[tuple[str, Maker], ...]
    sentences: tuple[str, ...]
    orders: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """The sentences that the base model already answers with a call."""
        return self.sentences[:2]

    @property
    def taught(self) -> tuple[str, ...]:
        """Every taught phrasing: the sentences, and the orders in each frame that people put around them."""
        return (*self.sentences, *(frame.replace("*", order) for frame in _FRAMES for order in self.orders))

    def draw_phrasing(self, rng: Random) -> str:
        """A taught phrasing, half of the time a sentence."""
        if rng.random() < 0.5:
            return rng.choice(self.sentences)
        return rng.choice(_FRAMES).replace("*", rng.choice(self.orders))

    @property
    def signature(self) -> str:
        """The declaration in one line, e.g. `move_file(source, target)`."""
        return f"{self.name}({', '.join(name for name, _ in self.parameters)})"

    def schema(self) -> dict[str, Any]:
        """The declaration in the OpenAI form that chat templates expect."""
        properties = {name: {"type": "string"} for name, _ in self.parameters}
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        function = {"name": self.name, "description": self.purpose, "parameters": parameters}
        return {"type": "function", "function": function}

    def call(self, rng: Random, held_out: bool) -> ToolCall:
        """Arguments from the side of the split that is asked for."""
        while True:
            arguments = {name: make(rng) for name, make in self.parameters}
            if is_held_out(self.name, *arguments.values()) == held_out:
                return ToolCall(self.name, arguments)


TOOLS = (
    Tool(
        "read_file",
        "Read a file.",
        (("path", words.path),),
        (
            "Read the file {path}.",
            "Show me {path}.",
            "Open {path}.",
            "What is in {path}?",
            "Print the contents of {path}.",
            "Let me see {path}.",
            "Display {path} for me.",
            "I want to read {path}.",
            "Give me the text of {path}.",
            "What does {path} contain?",
            "Load {path} and show it.",
            "Can I see the file {path}?",
            "Please output {path}.",
            "View the contents of {path}.",
        ),
        (
            "read {path}",
            "read the file {path}",
            "show me the file {path}",
            "open {path}",
            "print {path}",
            "display the contents of {path}",
            "tell me what is in {path}",
            "load the file {path}",
            "read out {path}",
            "check what {path} contains",
        ),
        (
            "Have a look at {path} and tell me what it says.",
            "I would like to know what is written in {path}.",
            "Bring up {path} on the screen.",
            "Could you fetch the contents of {path} for us?",
        ),
    ),
    Tool(
        "list_files",
        "List the files of a folder.",
        (("folder", words.folder),),
        (
            "List the files in {folder}.",
            "Which files are in {folder}?",
            "Show the folder {folder}.",
            "What files does {folder} have?",
            "Show me everything in the folder {folder}.",
            "List {folder}.",
            "Give me a listing of {folder}.",
            "What is inside the folder {folder}?",
            "Which files can you find in {folder}?",
            "Tell me the files in {folder}.",
            "Print all file names in {folder}.",
            "I need the list of files in {folder}.",
            "Show all files of {folder}.",
            "See what files {folder} contains.",
        ),
        (
            "list the files in {folder}",
            "list {folder}",
            "show me the files in {folder}",
            "list everything in {folder}",
            "tell me which files are in {folder}",
            "print the file names in {folder}",
            "give me all files of {folder}",
            "see which files {folder} has",
        ),
        (
            "Name every file that lives in {folder}.",
            "I wonder what files there are under {folder}.",
            "Enumerate the contents of the directory {folder}.",
            "Could you go through {folder} and list what is there?",
        ),
    ),
    Tool(
        "write_file",
        "Write a text to a file.",
        (("path", words.path), ("text", _short)),
        (
            'Write "{text}" to {path}.',
            'Save the text "{text}" in {path}.',
            'Put "{text}" into {path}.',
            'Create {path} with the text "{text}".',
            'Make a file {path} that says "{text}".',
            'Store "{text}" in {path}.',
            "Write {text} into the file {path}.",
            "Save {text} to {path}.",
            'I want {path} to contain "{text}".',
            'The file {path} should say "{text}".',
            'Fill {path} with "{text}".',
            "Put the words {text} in {path}.",
            'Set the contents of {path} to "{text}".',
            "Create the file {path} containing {text}.",
        ),
        (
            'write "{text}" to {path}',
            'save "{text}" in {path}',
            'put "{text}" into {path}',
            'create {path} with "{text}" in it',
            'store the text "{text}" in {path}',
            "write the words {text} to {path}",
            'make a file {path} with the text "{text}"',
            'add a file {path} that says "{text}"',
        ),
        (
            'Please note down "{text}" in a file called {path}.',
            'I need a new file {path}, and its text is "{text}".',
            'Make sure that {path} reads "{text}".',
            'Take the words "{text}" and write them out to {path}.',
        ),
    ),
    Tool(
        "search_code",
        "Search the code for a text.",
        (("query", _short),),
        (
            'Search the code for "{query}".',
            'Find "{query}".',
            "Search for {query}.",
            'Where is "{query}" used?',
            "Look for {query} in the code.",
            'Find all places with "{query}".',
            'Look up "{query}".',
            "Find every use of {query}.",
            'Does the code mention "{query}"?',
            'Which lines contain "{query}"?',
            "Search the project for {query}.",
            'Show where "{query}" occurs.',
            "Find {query} in the code.",
            'Search everything for "{query}".',
        ),
        (
            'search for "{query}"',
            'find "{query}" in the code',
            'look for "{query}"',
            'find where "{query}" is used',
            'search the project for "{query}"',
            'show me all places with "{query}"',
            "search the code for {query}",
            'tell me where "{query}" occurs',
        ),
        (
            'I am looking for "{query}" in this project.',
            'Could you find out where "{query}" appears?',
            'Track down "{query}" in the code base.',
            'Is there any code that mentions "{query}"?',
        ),
    ),
    Tool(
        "run_tests",
        "Run the tests of a target.",
        (("target", words.path),),
        (
            "Run the tests in {target}.",
            "Test {target}.",
            "Run {target} with the test runner.",
            "Do the tests in {target} pass?",
            "Check the tests of {target}.",
            "Start the tests in {target}.",
            "Run all tests of {target}.",
            "I want to run the tests in {target}.",
            "See if the tests in {target} pass.",
            "Try the tests in {target}.",
            "Please test {target} now.",
            "Are the tests in {target} green?",
            "Run the test suite {target}.",
            "Does {target} pass its tests?",
        ),
        (
            "run the tests in {target}",
            "run {target} as a test",
            "test {target}",
            "run all the tests of {target}",
            "start the tests in {target}",
            "see if {target} passes",
            "check that the tests in {target} are green",
            "try the test file {target}",
        ),
        (
            "Kick off the tests of {target}, please.",
            "I would like to know if {target} passes its tests.",
            "Go and run every test that is in {target}.",
            "Tell me whether the tests in {target} still pass.",
        ),
    ),
    Tool(
        "move_file",
        "Move or rename a file.",
        (("source", words.path), ("target", words.path)),
        (
            "Move {source} to {target}.",
            "Rename {source} to {target}.",
            "Move the file {source} to {target}.",
            "Rename the file {source} to {target}.",
            "Change the name of {source} to {target}.",
            "Please move {source} over to {target}.",
            "{source} should be moved to {target}.",
            "I want {source} renamed to {target}.",
            "Put the file {source} at {target}.",
            "Take {source} and move it to {target}.",
            "Transfer {source} to {target}.",
            "{source} should become {target}.",
            "Relocate {source} to {target}.",
            "Let {source} be called {target}.",
        ),
        (
            "move {source} to {target}",
            "rename {source} to {target}",
            "move the file {source} to {target}",
            "change {source} to {target}",
            "put {source} at {target}",
            "rename the file {source} so that it is {target}",
            "move {source} over to {target}",
            "take {source} and put it at {target}",
        ),
        (
            "From now on {source} should live at {target}.",
            "Could you give {source} the new name {target}?",
            "I would like the file {source} to be moved to {target}.",
            "Shift {source} to its new place {target}.",
        ),
    ),
    Tool(
        "delete_file",
        "Delete a file.",
        (("path", words.path),),
        (
            "Delete {path}.",
            "Remove the file {path}.",
            "Delete the file {path}.",
            "Remove {path}.",
            "Erase {path}.",
            "Get rid of {path}.",
            "I do not need {path} any more.",
            "Throw {path} away.",
            "Please delete {path} now.",
            "{path} can be deleted.",
            "Drop the file {path}.",
            "Wipe {path}.",
            "{path} should be removed.",
            "Clean up {path} by deleting it.",
        ),
        (
            "delete {path}",
            "remove {path}",
            "delete the file {path}",
            "erase the file {path}",
            "get rid of {path}",
            "remove the file {path} for good",
            "wipe out {path}",
            "throw {path} away",
        ),
        (
            "We can throw away the file {path}.",
            "I would like {path} to be gone, so delete it.",
            "Make the file {path} disappear.",
            "Could you remove {path} from the project?",
        ),
    ),
    Tool(
        "run_command",
        "Run a shell command.",
        (("command", _command),),
        (
            'Run the command "{command}".',
            'Execute "{command}".',
            'Run "{command}" in the shell.',
            "Run {command}.",
            "Execute the command {command}.",
            'Type "{command}" into the terminal.',
            'Please run "{command}" for me.',
            'Call "{command}".',
            'I want to run "{command}".',
            'Start "{command}" in a terminal.',
            'In the shell, do "{command}".',
            'Do "{command}" on the command line.',
            'Use the shell to run "{command}".',
            'Launch "{command}".',
        ),
        (
            'run "{command}"',
            'execute "{command}"',
            'run the command "{command}"',
            'run "{command}" in the shell',
            'start "{command}"',
            "run {command}",
            'type "{command}" in the shell',
            'use the terminal to run "{command}"',
        ),
        (
            'Open a terminal and enter "{command}".',
            'What happens if you run "{command}" there? Try it.',
            'Could you execute "{command}" on this machine?',
            'I need the shell command "{command}" to be run.',
        ),
    ),
)

BY_NAME = {tool.name: tool for tool in TOOLS}


def offered_with(tool: Tool, rng: Random) -> list[Tool]:
    """The tool among one or two others, in random order."""
    others = rng.sample([other for other in TOOLS if other is not tool], rng.randint(1, 2))
    offered = [tool, *others]
    rng.shuffle(offered)
    return offered
