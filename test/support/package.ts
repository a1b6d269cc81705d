import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUIET_WRANGLER } from '../../src/commands/wrangler.ts';

/** As a stranger runs it: nothing of the npm that runs the tests, and of this repository's settings for it, counts. */
const STRANGERS = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))) as NodeJS.ProcessEnv;

const npm = (args: readonly string[], cwd: string) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', env: { ...STRANGERS, ...QUIET_WRANGLER }, stdio: ['ignore', 'pipe', 'pipe'] });

export interface PackedFile {
  path: string;
  size: number;
}

/** The package as somebody has it who installed the tarball in an empty folder. */
export interface InstalledPackage {
  folder: string;
  tarballBytes: number;
  files: PackedFile[];
  /** A file of the folder, written. */
  write(name: string, text: string): string;
  remove(): void;
}

/** Packs this repository, and installs the tarball in an empty folder, without a network. */
export function installPackage(): InstalledPackage {
  const folder = mkdtempSync(join(tmpdir(), 'bullseye-package-'));
  // Of what "prepare" and "prepack" say, npm prints something before its own.
  const said = npm(['pack', '--json', '--pack-destination', folder], process.cwd());
  const [{ filename, size, files }] = JSON.parse(said.slice(said.search(/^[[{]/m))) as [
    { filename: string; size: number; files: PackedFile[] },
  ];
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  // Strictly: it is to have no script that runs on whoever installs it.
  npm(['install', '--offline', '--strict-allow-scripts', '--no-audit', '--no-fund', join(folder, filename)], folder);
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return { folder, tarballBytes: size, files, write, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A program that runs. */
export interface Running {
  /** The first line of its output that matches and was not waited for before, once there is one; throws where it ends without. */
  line(pattern: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Run>;
}

export function start(command: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(command, args, { cwd, env: { ...STRANGERS, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const run: Run = { code: null, stdout: '', stderr: '' };
  let seen = 0;
  /** Looks for the line that is waited for; nobody waits for one now. */
  const idle = () => {};
  let look = idle;
  // A character may come in two pieces.
  child.stdout.setEncoding('utf8').on('data', (text) => {
    run.stdout += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    run.stderr += text;
  });
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      run.code = code;
      resolve(run);
      look();
    });
  });
  const line = async (pattern: RegExp) =>
    await new Promise<string>((resolve, reject) => {
      look = () => {
        const lines = run.stdout.split('\n').slice(0, -1);
        const at = lines.findIndex((each, index) => index >= seen && pattern.test(each));
        if (at >= 0) {
          // What comes before the next line is asked for is that one's to find.
          look = idle;
          seen = at + 1;
          resolve(lines[at] as string);
        } else if (run.code !== null) reject(new Error(`it ended with ${run.code}: ${run.stdout}${run.stderr}`));
      };
      look();
    });
  // The whole group, as a terminal does with Ctrl-C: `npx` passes nothing on.
  return { line, ended, kill: (signal) => void process.kill(-(child.pid as number), signal) };
}

/** Whether the machine has a program. */
export function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
