#pragma once

// Umbrella: everything a program needs to upload files.

#include <hoist/batch.hpp>
#include <hoist/diagnostics.hpp>
#include <hoist/error.hpp>
#include <hoist/observer.hpp>
#include <hoist/options.hpp>
#include <hoist/removal.hpp>
#include <hoist/remover.hpp>
#include <hoist/report.hpp>
#include <hoist/source.hpp>
#include <hoist/uploader.hpp>
#include <hoist/version.hpp>
