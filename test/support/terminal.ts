import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { expect } from 'vitest';

/** One bash session that is given a block at a time, as a person pastes them. */
export class Terminal {
  readonly #bash: ChildProcess;
  #output = '';

  /** @param programs a folder whose programs go before those of the machine */
  constructor(cwd: string, programs = '') {
    this.#bash = spawn('bash', ['--norc', '-s'], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, HOME: cwd, PATH: [programs, process.env.PATH].filter(Boolean).join(delimiter) },
    });
    this.#bash.stdout?.on('data', (chunk) => (this.#output += chunk));
    this.#bash.stderr?.on('data', (chunk) => (this.#output += chunk));
    // Any command that fails, not the last one alone.
    this.#bash.stdin?.write("set -E; failures=0; trap 'failures=$((failures + 1))' ERR\n");
  }

  /** Runs a block, and waits for its output: a delivery comes when it comes. Returns all lines it has printed by then. */
  async run(script: string, expected: readonly RegExp[]): Promise<string[]> {
    const from = this.#output.length;
    this.#bash.stdin?.write(`${script}\necho "<ended: $failures failures>"\n`);
    const deadline = Date.now() + 15_000;
    for (;;) {
      // A delivery can arrive before curl has written the end of its own line.
      const lines = this.#output.slice(from).split(/\n|(?=received )/);
      const ended = lines.find((line) => line.startsWith('<ended'));
      const missing = unmatched(expected, lines);
      if (ended !== undefined && missing.length === 0) {
        expect(ended, script).toBe('<ended: 0 failures>');
        return lines.filter((line) => line !== '' && line !== ended);
      }
      if (Date.now() > deadline) throw new Error(`${script}\nprinted\n${lines.join('\n')}\nand not\n${missing.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  end(): void {
    try {
      if (this.#bash.pid !== undefined) process.kill(-this.#bash.pid, 'SIGKILL');
    } catch {
      // The session has ended already.
    }
  }
}

/** The expected lines that no line of the output is; each line of output answers to one of them. */
function unmatched(expected: readonly RegExp[], lines: readonly string[]): RegExp[] {
  const left = [...lines];
  return expected.filter((pattern) => {
    const at = left.findIndex((line) => pattern.test(line));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** The lines of an output block as patterns; `…` stands for anything. */
export function patterns(content: string): RegExp[] {
  return content
    .split('\n')
    .filter((line) => line.trim() !== '' && line.trim() !== '…')
    .map((line) => new RegExp(`^${line.split('…').map(escapeRegExp).join('.+')}$`));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
