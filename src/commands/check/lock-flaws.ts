/** A package as package-lock.json has it. */
interface LockedPackage {
  integrity?: string;
  hasInstallScript?: boolean;
  /** It came inside of another package, whose integrity covers it. */
  inBundle?: boolean;
  link?: boolean;
}

/**
 * What is wrong with a lock: packages that could be replaced by whoever serves them, since nothing says what they have to be, and
 * packages that run something on whoever installs them without having been looked at (package.json, "allowScripts").
 * @param lock the text of package-lock.json
 * @param manifest the text of package.json
 */
export function lockFlaws(lock: string, manifest: string): string[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, LockedPackage> };
  const { allowScripts = {} } = JSON.parse(manifest) as { allowScripts?: Record<string, boolean> };
  return Object.entries(packages).flatMap(([path, { integrity, hasInstallScript, inBundle, link }]) => {
    // The first is this project.
    if (path === '' || link) return [];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return [
      ...(integrity || inBundle ? [] : [`${path} has no integrity`]),
      ...(hasInstallScript && allowScripts[name] === undefined
        ? [`${path} has an install script: look at it, and say in "allowScripts" whether it may run`]
        : []),
    ];
  });
}
