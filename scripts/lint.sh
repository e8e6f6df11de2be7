#!/bin/bash
# Fails when a Swift source is not as .swift-format says.
set -euo pipefail
cd "$(dirname "$0")/.."
exec swift format lint --strict --parallel --recursive Package.swift Sources Tests
