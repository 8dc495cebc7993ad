"""Shell completion: every option of --help is completed, in the shells that this machine has."""

import os
import re
import shutil
import subprocess

from support import *


def options_in_help(*command):
    text = subprocess.run([COMMAND, *command, "--help"], capture_output=True, text=True, check=True).stdout
    return {name for names in re.findall(r"^ +((?:-\w,)?--[a-z,-]+)", text, re.M)
            for name in names.split(",") if name.startswith("--")}


COMMANDS = ("inspect", "verify", "diff", "draw", "completion")


class Bash(CommandTest):
    def complete(self, *words):
        """What bash offers for the last of `words`."""
        script = ('source <("$0" completion bash)\n'
                  'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
                  "_counterpoint\n"
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        ended = subprocess.run(["bash", "-c", script, COMMAND, "counterpoint", *words], capture_output=True, text=True,
                               timeout=60)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        return set(ended.stdout.split())

    def test_commands(self):
        self.assertEqual(self.complete(""), {*COMMANDS, "--help", "--version"})
        self.assertEqual(self.complete("ver"), {"verify"})

    def test_every_option_of_every_command(self):
        for command in COMMANDS:
            options = options_in_help(command)
            self.assertGreaterEqual(len(options), 1)
            self.assertEqual({x for x in self.complete(command, "--") if x.startswith("--")}, options, command)
        self.assertGreater(len(options_in_help("draw")), 20)

    def test_choices(self):
        self.assertEqual(self.complete("draw", "--format", ""), {"text", "csv", "raw"})
        self.assertEqual(self.complete("draw", "--format", "=", "r"), {"raw"})
        self.assertEqual(self.complete("draw", "--algorithm", "t"), {"threefry"})
        self.assertIn("normal", self.complete("draw", "--seed", "1", "n"))
        self.assertEqual(self.complete("completion", ""), {"bash", "zsh", "fish"})

    def test_files_are_left_to_the_shell(self):
        for words in (("inspect", ""), ("draw", "--output", ""), ("draw", "--checkpoint", "")):
            self.assertEqual(self.complete(*words), set())
        registered = subprocess.run(["bash", "-c", 'source <("$0" completion bash); complete -p counterpoint', COMMAND],
                                    capture_output=True, text=True).stdout
        self.assertEqual(registered, "complete -o default -F _counterpoint counterpoint\n")


class Zsh(CommandTest):
    def test_every_option_is_there_and_it_parses(self):
        script = self.output("completion", "zsh").decode()
        self.assertTrue(script.startswith("#compdef counterpoint\n"))
        for command in COMMANDS:
            part = script.split("    %s) _arguments" % command)[1].split(" ;;\n")[0]
            self.assertEqual(set(re.findall(r"'(--[a-z-]+)", part)), options_in_help(command))
        if shutil.which("zsh"):
            path = self.write("_counterpoint", script.encode())
            ended = subprocess.run(["zsh", "-f", "-c", ZSH_CALL, path], capture_output=True, text=True, timeout=60)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            specs = ended.stdout.splitlines()
            self.assertIn("--format=[An element a line, rows of the shape, or bytes]:value:(text csv raw)", specs)
            self.assertIn("*:value:(%s)" % " ".join(self.distributions()), specs)

    def distributions(self):
        (names,) = re.findall(r"DISTRIBUTION NAME:\{(.*)\}", self.output("draw", "--help").decode())
        return names.split(",")


# What the function hands to zsh's own completion while "counterpoint draw --" is typed.
ZSH_CALL = r"""
compdef() { [[ $* == '_counterpoint counterpoint' ]] }
_arguments() { print -rl -- "$@" }
source $0
words=(counterpoint draw --) CURRENT=3
_counterpoint
"""


class Fish(CommandTest):
    def test_every_option_is_there_and_it_completes(self):
        script = self.output("completion", "fish").decode()
        for command in COMMANDS:
            lines = [line for line in script.splitlines() if "__fish_seen_subcommand_from %s'" % command in line]
            options = {"--" + name for line in lines for name in re.findall(r" -l ([a-z-]+)", line)}
            self.assertEqual(options, options_in_help(command))
        if shutil.which("fish"):
            path = self.write("counterpoint.fish", script.encode())
            for typed, offered in (("ver", "verify"), ("draw --format r", "raw"), ("draw --alg", "--algorithm")):
                ended = subprocess.run(["fish", "-c", "source %s; complete -C 'counterpoint %s'" % (path, typed)],
                                       capture_output=True, text=True, timeout=60,
                                       env={**os.environ, "HOME": self.folder})
                self.assertIn(offered, {line.split("\t")[0] for line in ended.stdout.splitlines()}, ended)


main()
