// Makes npm_signatures.json: requests signed by the npm package http-message-signatures (1.0.6).
//   npm install http-message-signatures@1.0.6 && node npm_signatures.js > npm_signatures.json
const { createHash, generateKeyPairSync } = require("node:crypto");
const { createSigner, httpbis: { signMessage } } = require("http-message-signatures");

const CREATED = new Date("2026-11-23T08:00:00Z");
const TARGET = "https://node.example/api/bus/calls/gx.population.person?trial=1";
const BODY = '{"value":{"citizen_id":"450103198503129995"},"matter":"enterprise.registration","purpose":"check"}';
const KEYS = {
  ed25519: generateKeyPairSync("ed25519"),
  "ecdsa-p256-sha256": generateKeyPairSync("ec", { namedCurve: "P-256" }),
};
const CASES = [
  { covered: ["@method", "@target-uri", "content-digest"], params: undefined, body: BODY },
  { covered: ["@method", "@target-uri", "content-digest", "content-type"], params: ["created", "expires", "nonce", "keyid", "alg", "tag"], body: BODY },
  { covered: ["content-type", "content-digest", "@query", "@path", "@authority", "@scheme", "@method"], params: ["keyid", "created"], body: BODY },
  { covered: ["@method", "@target-uri"], params: undefined, body: "" },
];

async function main() {
  const made = [];
  for (const [alg, pair] of Object.entries(KEYS)) {
    const key = createSigner(pair.privateKey, alg, "desk#k1");
    for (const one of CASES) {
      const method = one.body ? "POST" : "GET";
      const headers = { "Content-Type": "application/json" };
      if (one.body) headers["Content-Digest"] = `sha-256=:${createHash("sha256").update(one.body).digest("base64")}:`;
      const signed = await signMessage(
        { key, fields: one.covered, params: one.params, paramValues: { created: CREATED, nonce: "n2fJ0mE3bTqLkzv9Qx5c7A==", tag: "gdbos" } },
        { method, url: TARGET, headers },
      );
      made.push({ jwk: pair.publicKey.export({ format: "jwk" }), method, url: TARGET, headers: signed.headers, body: one.body });
    }
  }
  console.log(JSON.stringify({ source: "npm http-message-signatures 1.0.6", at: CREATED, requests: made }, null, 1));
}
main();
