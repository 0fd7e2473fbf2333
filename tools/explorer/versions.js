// What stands in checker/explorer/vendor: packages with version and licence, files with size and SHA-256.
const fs = require("fs"), crypto = require("crypto"), path = require("path");
const vendor = path.join(__dirname, "../../checker/explorer/vendor");
const about = (name) => {
  const { version, license } = JSON.parse(fs.readFileSync(path.join(__dirname, "node_modules", name, "package.json")));
  return { name, version, licence: license };
};
const file = (name) => {
  const data = fs.readFileSync(path.join(vendor, name));
  return { name, bytes: data.length, sha256: crypto.createHash("sha256").update(data).digest("hex") };
};
const made = {
  packages: ["ag-grid-community", "chart.js", "@kurkle/color"].map(about),
  bundled_with: about("esbuild"),
  files: ["grid.min.js", "charts.min.js"].map(file),
};
console.log(JSON.stringify(made, null, 1));
