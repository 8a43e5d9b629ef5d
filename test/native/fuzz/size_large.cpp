#include "size.h"

const bool requant::fuzz::kSmall = false;
