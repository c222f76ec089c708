// holdfast completion: shell completion, generated from the command tree itself.
import { Argument, type Command } from "commander";
import { type CliContext, command, withExamples } from "./context.js";

const shells = ["bash", "zsh", "fish"] as const;

type Node = {
  /** Words before it: `` for holdfast itself, `user add`. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly description: string }[];
  readonly options: readonly { readonly flag: string; readonly description: string }[];
  /** Long options that take a value, whatever it is. */
  readonly takesValue: readonly string[];
};

export function completionCommand(context: CliContext, root: () => Command) {
  const made = command("completion", "print a completion script for a shell")
    .addArgument(new Argument("<shell>", "which one").choices([...shells]))
    .action((shell: (typeof shells)[number]) => context.io.out(completion(shell, root())));
  return withExamples(
    made,
    "source <(holdfast completion bash)",
    "holdfast completion zsh > /usr/local/share/zsh/site-functions/_holdfast",
    "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
  );
}

export function completion(shell: (typeof shells)[number], root: Command): string {
  const nodes = [...walk(root, "")];
  if (shell === "bash") return bash(nodes);
  return shell === "zsh" ? zsh(nodes) : fish(nodes);
}

function* walk(at: Command, path: string): IterableIterator<Node> {
  const help = at.createHelp();
  const commands = help.visibleCommands(at).filter((one) => one.name() !== "help");
  const choices = at.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((word) => ({ word, description })),
  );
  const options = help.visibleOptions(at);
  yield {
    path,
    words: [
      ...commands.map((one) => ({ word: one.name(), description: one.description() })),
      ...choices,
    ],
    options: options.flatMap(({ long, description }) =>
      long === undefined || long === null ? [] : [{ flag: long, description }],
    ),
    takesValue: options.flatMap(({ long, required, optional }) =>
      (required || optional) && long != null ? [long] : [],
    ),
  };
  for (const one of commands) yield* walk(one, path === "" ? one.name() : `${path} ${one.name()}`);
}

/** Single quotes for any of the shells; ours have none inside, and would not get out if they had. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function bash(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, words, options }) => {
    const all = [...words.map(({ word }) => word), ...options.map(({ flag }) => flag)];
    return `    ${quoted(path)}) words=${quoted(all.join(" "))} ;;`;
  });
  return `# bash completion for holdfast
_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words="" skip="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $skip ]]; then skip=""; continue; fi
    case "$word" in
${valueCase(nodes, "      ")}
      -*) ;;
      *) if _holdfast_known "\${path:+$path }$word"; then path="\${path:+$path }$word"; fi ;;
    esac
  done
  if [[ -n $skip ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
_holdfast_known() {
  case "$1" in
    ${nodes
      .slice(1)
      .map(({ path }) => quoted(path))
      .join("|")}) return 0 ;;
  esac
  return 1
}
complete -o default -F _holdfast holdfast
`;
}

function valueCase(nodes: readonly Node[], indent: string): string {
  const flags = [...new Set(nodes.flatMap(({ takesValue }) => takesValue))].sort();
  return `${indent}${flags.join("|")}) skip=yes ;;`;
}

function zsh(nodes: readonly Node[]): string {
  const described = (word: string, description: string) =>
    quoted(`${word}:${description.replaceAll(":", "\\:")}`);
  const cases = nodes.map(({ path, words, options }) => {
    const all = [
      ...words.map(({ word, description }) => described(word, description)),
      ...options.map(({ flag, description }) => described(flag, description)),
    ];
    return `    ${quoted(path)}) choices=(${all.join(" ")}) ;;`;
  });
  return `#compdef holdfast
# zsh completion for holdfast
_holdfast() {
  local -a choices
  local line="" skip="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=""; continue; fi
    case "$word" in
${valueCase(nodes, "      ")}
      -*) ;;
      *) if _holdfast_known "\${line:+$line }$word"; then line="\${line:+$line }$word"; fi ;;
    esac
  done
  if [[ -n $skip ]]; then _files; return; fi
  case "$line" in
${cases.join("\n")}
  esac
  _describe 'holdfast' choices || _files
}
_holdfast_known() {
  case "$1" in
    ${nodes
      .slice(1)
      .map(({ path }) => quoted(path))
      .join("|")}) return 0 ;;
  esac
  return 1
}
if [[ "\${funcstack[1]}" == _holdfast ]]; then _holdfast "$@"; else compdef _holdfast holdfast; fi
`;
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, words, options, takesValue }) => {
    const at = `complete -c holdfast -n ${quoted(`__holdfast_at ${quoted(path)}`)}`;
    return [
      ...words.map(({ word, description }) => `${at} -f -a ${word} -d ${quoted(description)}`),
      ...options.map(({ flag, description }) => {
        const value = takesValue.includes(flag) ? " -r" : "";
        return `${at} -l ${flag.slice(2)}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  const known = nodes
    .slice(1)
    .map(({ path }) => quoted(path))
    .join(" ");
  return `# fish completion for holdfast
function __holdfast_at
    set -l line ''
    for word in (commandline -opc)[2..-1]
        set -l longer (string trim "$line $word")
        if contains -- $longer ${known}
            set line $longer
        end
    end
    test "$line" = "$argv[1]"
end
${lines.join("\n")}
`;
}
