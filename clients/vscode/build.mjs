// Bundles the extension and its page into dist/, and lists the licences of what is bundled.
// Not here: packing (`cargo xtask dist-vscode`).
import { build } from "esbuild";
import { existsSync, readFileSync, realpathSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const common = { bundle: true, minify: true, sourcemap: false, legalComments: "none", metafile: true, logLevel: "warning", outdir: "dist" };
rmSync("dist", { recursive: true, force: true });
const built = [
  // The editor's own Node, of the oldest version that is supported.
  await build({ ...common, entryPoints: { extension: "src/editor/extension.ts" }, platform: "node", format: "cjs", target: "node18", external: ["vscode"], outExtension: { ".js": ".cjs" } }),
  await build({ ...common, entryPoints: { page: "src/webview/page.ts" }, platform: "browser", format: "iife", target: "es2022" }),
  await build({ ...common, entryPoints: { page: "src/webview/style.css" } }),
];

/** Returns the folder of the package that a bundled file belongs to. */
function packageOf(file) {
  for (let folder = dirname(realpathSync(file)); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).name) return folder;
  }
  throw new Error(`${file} belongs to no package`);
}

const files = built.flatMap(({ metafile }) => Object.keys(metafile.inputs)).filter((file) => file.includes("node_modules/") || file.includes("tools/"));
const notices = [...new Set(files.map(packageOf))].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (!license || !text) throw new Error(`${name} says nothing about its licence`);
  return `${name} ${version}, ${license}\n\n${readFileSync(join(folder, text), "utf8").trim()}\n`;
});
writeFileSync("dist/THIRD-PARTY.txt", `What is bundled into this extension, with its licences.\n\n${notices.join("\n----\n\n")}`);
for (const { metafile } of built) {
  for (const [file, { bytes }] of Object.entries(metafile.outputs)) console.log(`${file}: ${(bytes / 1000).toFixed(1)} kB`);
}
