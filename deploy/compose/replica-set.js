// The health check of the first member (deploy/compose/pilot.yaml): begins the set, once, and says
// whether this member is part of it. While another member is not up it fails, and is tried again.
const password = require("fs").readFileSync("/run/secrets/root_password", "utf8").trim();
db.getSiblingDB("admin").auth("root", password);
try {
  rs.status();
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  const hosts = ["mongo-1", "mongo-2", "mongo-3"];
  const members = hosts.map((host, number) => ({ _id: number, host: `${host}:27017` }));
  rs.initiate({ _id: "hub", members });
}
const hello = db.hello();
quit(hello.isWritablePrimary || hello.secondary ? 0 : 1);
