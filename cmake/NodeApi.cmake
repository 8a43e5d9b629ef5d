# Headers and definitions of a Node-API addon. cmake-js names the include folders; plain cmake asks node for them.
function(requant_use_node_api target)
  if(CMAKE_JS_INC)
    set(includes ${CMAKE_JS_INC})
  else()
    find_program(NODE_EXECUTABLE node REQUIRED)
    execute_process(
      COMMAND ${NODE_EXECUTABLE} -p "require('node-api-headers').include_dir + ';' + require('node-addon-api').include_dir"
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      OUTPUT_VARIABLE includes OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  endif()
  target_include_directories(${target} SYSTEM PRIVATE ${includes})
  target_compile_definitions(${target} PRIVATE
    NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS_ALL NODE_ADDON_API_DISABLE_DEPRECATED
    NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED)
  if(WIN32 AND REQUANT_ZIG_TARGET)
    # What the addon takes from node.exe itself.
    execute_process(
      COMMAND ${NODE_EXECUTABLE} -p "require('node-api-headers').def_paths.node_api_def"
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(node ${CMAKE_CURRENT_BINARY_DIR}/libnode.a)
    execute_process(COMMAND ${ZIG} dlltool -m i386:x86-64 -d ${names} -l ${node} COMMAND_ERROR_IS_FATAL ANY)
    target_link_libraries(${target} PRIVATE ${node})
  elseif(APPLE)
    target_link_options(${target} PRIVATE -undefined dynamic_lookup)
  elseif(UNIX)
    # nodelete: the pool's thread may outlive the last worker thread that loaded the addon.
    set(exports ${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.map)
    target_link_options(${target} PRIVATE -Wl,-z,nodelete -Wl,--version-script=${exports})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${exports})
  endif()
endfunction()
