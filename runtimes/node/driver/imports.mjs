/**
 * require and import for cells, resolved from the context's directory. The server rewrites both
 * forms of import in a cell to calls of what is here, since V8 refuses them in evaluated text.
 */

import {
  createRequire,
  hasOwn,
  joinPath,
  match,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  PrimordialSyntaxError,
  PrimordialURL,
  pathToFileURL,
  runInThisContext,
  vmConstants,
} from "./primordials.mjs";

/** @typedef {(specifier: string, options?: object) => Promise<any>} Importer */

const ownProcess = process;
const RELATIVE = /^\.{0,2}\//;
const ADDRESS = /^[a-z][a-z0-9+.-]*:/i;

/**
 * Node 20 calls the loader experimental at its first use, which is none of the user's business.
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
function quietly(call) {
  const emitWarning = ObjectGetOwnPropertyDescriptor(ownProcess, "emitWarning");
  if (emitWarning?.configurable !== true) return call();
  ObjectDefineProperty(ownProcess, "emitWarning", { value: () => {}, configurable: true });
  try {
    return call();
  } finally {
    ObjectDefineProperty(ownProcess, "emitWarning", emitWarning);
  }
}

/**
 * An import() that resolves from a directory.
 * @param {string} filename of a file there, which need not exist
 * @param {NodeJS.Require} require
 * @returns {Importer}
 */
function importerAt(filename, require) {
  const loader = /** @type {any} */ (vmConstants)?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  if (loader !== undefined) {
    const importer = runInThisContext("(specifier, options) => import(specifier, options)", {
      filename,
      importModuleDynamically: loader,
    });
    return (specifier, options) => quietly(() => importer(specifier, options));
  }
  // Node before 20.12 has no loader for other directories: resolve first, as require does.
  return (specifier, options) => {
    let target = specifier;
    if (match(RELATIVE, specifier) !== null) {
      target = new PrimordialURL(specifier, pathToFileURL(filename)).href;
    } else if (match(ADDRESS, specifier) === null) {
      const found = require.resolve(specifier);
      target = found === specifier ? `node:${specifier}` : pathToFileURL(found).href;
    }
    return import(target, options);
  };
}

export class Imports {
  /** @type {Importer} */
  #import;
  /** @type {NodeJS.Require} */
  require;

  /**
   * @param {string} directory
   */
  constructor(directory) {
    const filename = joinPath(directory, "cell.js");
    const { href: url } = pathToFileURL(filename);
    this.require = createRequire(filename);
    this.#import = importerAt(filename, this.require);
    this.meta = { url, dirname: directory, filename };
  }

  /**
   * import(specifier, options) of a cell.
   * @param {unknown} specifier
   * @param {object} [options]
   * @returns {Promise<any>}
   */
  dynamic(specifier, options) {
    return this.#import(/** @type {string} */ (specifier), options);
  }

  /**
   * `import … from` of a cell: the namespace, once it is sure to have the names.
   * @param {string} specifier
   * @param {string[]} names
   * @param {object} [options]
   * @returns {Promise<any>}
   */
  async named(specifier, names, options) {
    const namespace = await this.#import(specifier, options);
    for (let i = 0; i < names.length; i++) {
      if (!hasOwn(namespace, names[i])) {
        throw new PrimordialSyntaxError(
          `The requested module '${specifier}' does not provide an export named '${names[i]}'`,
        );
      }
    }
    return namespace;
  }
}
