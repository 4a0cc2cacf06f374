"""Man page and shell completion of a program, from its own --help texts, so that they cannot
differ from it.

    texts.py NAME VERSION DATE PAGE COMPLETION COMMAND…     (COMMAND runs the program)
"""

import gzip
import re
import subprocess
import sys

COMMAND_LIMIT_S = 60
LONGEST_LINE = 80


def ask(command, *words):
    """What the program answers to `words --help`; empty when it does not know them."""
    done = subprocess.run(
        [*command, *words, "--help"], capture_output=True, text=True, timeout=COMMAND_LIMIT_S
    )
    return done.stdout.strip("\n") if done.returncode == 0 else ""


def verbs_of(name, text):
    """The words that follow the program's name in its help, in their order."""
    found = []
    for line in text.splitlines():
        # A verb is followed by its arguments or by room, a sentence by its next word.
        match = re.match(rf"\s*{re.escape(name)} ([a-z][a-z-]*)($| [ \[A-Z-])", line)
        if match and match.group(1) not in found:
            found.append(match.group(1))
    return found


def help_tree(name, command):
    """{words of a verb: its help}, the program's own under ()."""
    overview = ask(command)
    if not overview:
        sys.exit(f"texts.py: {name} --help says nothing")
    tree = {(): overview}
    for verb in verbs_of(name, overview):
        text = ask(command, verb)
        if not text or text == overview:
            continue
        tree[(verb,)] = text
        for second in verbs_of(f"{name} {verb}", text):
            deeper = ask(command, verb, second)
            if deeper and deeper not in (text, overview):
                tree[(verb, second)] = deeper
    return tree


def roff(text):
    """`text` as it stands, safe for troff."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def man(name, version, date, tree):
    overview = tree[()]
    first = overview.split("\n\n")[0]
    about = " ".join(first.split())
    about = re.sub(rf"^{re.escape(name)} ", "", about).split(":")[0].rstrip(".")
    if len(about) > LONGEST_LINE:
        about = "part of Argent, which runs a droplet microfluidic rig"
    page = [
        f'.TH {name.upper()} 1 "{date}" "argent {version}" "User Commands"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(about)}",
        ".SH DESCRIPTION",
        ".nf",
        roff(overview),
        ".fi",
    ]
    for words, text in tree.items():
        if words:
            page += [f'.SH "{" ".join((name, *words)).upper()}"', ".nf", roff(text), ".fi"]
    page += [".SH FILES", "/etc/argent/argent.toml, /etc/argent/argent.d/*.toml", ".br"]
    page += ["/var/lib/argent, /run/argent/control"]
    return "\n".join(page) + "\n"


def options_of(text):
    return sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)))


def completion(name, tree):
    function = "_" + name.replace("-", "_")
    cases = []
    # The verbs of a verb before the verb itself: the first pattern that fits counts.
    for words in sorted(filter(None, tree), key=len, reverse=True):
        verbs = " ".join(verbs_of(" ".join((name, *words)), tree[words]))
        options = " ".join(options_of(tree[words]))
        cases.append(f"""        "{" ".join(words)} "*) verbs="{verbs}" options="{options}" ;;""")
    verbs = " ".join(verbs_of(name, tree[()]))
    lines = "\n".join(cases)
    return f"""# Completion for {name}; made from its --help.
{function}() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} verbs="" options=""
    case "${{COMP_WORDS[*]:1:$((COMP_CWORD - 1))}} " in
        " ") verbs="{verbs}" options="--help --version" ;;
{lines}
    esac
    COMPREPLY=()
    case $word in
        -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
        *)
            mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
            [ "$COMP_CWORD" -eq 1 ] || mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY \\
                < <(compgen -f -- "$word")
            ;;
    esac
}}
complete -o filenames -F {function} {name}
"""


def main():
    name, version, date, page, completions, *command = sys.argv[1:]
    tree = help_tree(name, command)
    with gzip.GzipFile(page, "wb", 9, mtime=0) as file:
        file.write(man(name, version, date, tree).encode())
    with open(completions, "w") as file:
        file.write(completion(name, tree))


main()
