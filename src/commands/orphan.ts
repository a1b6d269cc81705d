import { execFileSync } from 'node:child_process';

const LOOK_EVERY_MS = 250;

/**
 * Calls back once when whoever started this command is gone. npm runs a script through a shell; a SIGTERM to npm ends the two of
 * them and never reaches this process, and a SIGKILL leaves even the shell behind. Unnoticed, each would leave a runtime running
 * and its port taken.
 */
export function whenOrphaned(callback: () => void): void {
  const parent = process.ppid;
  const npm = process.env.npm_lifecycle_event === undefined ? undefined : parentOf(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isAlive(npm))) return;
    clearInterval(timer);
    callback();
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** Undefined where the system cannot tell (no `ps`), or where the process is the system's first. */
function parentOf(pid: number): number | undefined {
  try {
    const parent = Number(
      execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    return parent > 1 ? parent : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
